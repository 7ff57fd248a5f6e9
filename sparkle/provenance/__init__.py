"""Provenance: what each artefact was made from, by what, and whether that still holds."""

"""One file per benchmark: how its files are laid out, checked and read."""

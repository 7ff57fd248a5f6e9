"""The subcommands, by stage. Each only maps arguments to one function of the package."""

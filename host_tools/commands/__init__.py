"""One module per verb of the `microserver` command: HELP, add_arguments and run."""

"""What a user may write in the config file."""

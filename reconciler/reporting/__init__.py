"""What is written down for people to read later. Nothing here is decided on."""

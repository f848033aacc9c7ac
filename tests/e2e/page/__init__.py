"""What is asked of one installation of real parts, which all files here share."""

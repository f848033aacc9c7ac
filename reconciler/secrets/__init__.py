"""Values of secrets: made, encrypted and decrypted. Only ``zoe run`` holds the keys for all."""

"""The read-only page and the webhook receiver. Meets the loop only in the database."""

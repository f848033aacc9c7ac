"""Single requests to servers of others: bounded in time and size, and only to fit places."""

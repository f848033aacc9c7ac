"""A database that is lost or too old: noticed before anything is done, and made anew."""

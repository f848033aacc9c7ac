"""The database: SQLAlchemy Core on SQLite and PostgreSQL. No other module writes SQL."""

"""The database: connections, tables, migrations, and every difference between dialects."""

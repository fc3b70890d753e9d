"""THE ROWS: every table, every named query, the migrations and the one transaction runner."""

"""The type of a table's row. `tables` reads, holds and writes them, and needs NumPy."""

Row = dict[str, str]  # the row's cells by column

"""Jobs and their files, tables, schemas and hashes of the code, for all packages."""

"""One self-contained HTML page on a result, for a person who has to decide what to use of it."""

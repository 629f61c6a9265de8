"""Several predictions beside each other and beside the papers.

`sources` reads them, `space` and `pictures` compare, `tables`, `account` and `boxplot` show.
"""

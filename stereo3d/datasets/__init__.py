"""Annotated pictures of infants, as data sets have them."""

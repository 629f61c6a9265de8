"""Figures that anyone can make again: what a part of the toolkit is worth on infants that nothing was tuned on."""

"""An independent judge of a run: standard library only, shares nothing with the product."""

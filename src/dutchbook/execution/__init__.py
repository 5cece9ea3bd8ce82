"""From a proved opportunity to filled legs: baskets, repair, exits, reconciliation."""

"""What two markets claim and how they settle: text to typed terms, and verdicts."""

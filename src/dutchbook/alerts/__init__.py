"""What people are told of, when, over which channel, and what they may press in answer."""

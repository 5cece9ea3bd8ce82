"""One synchronous step: event in, Step out."""

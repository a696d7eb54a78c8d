"""What travels between participants: identifiers, labels, signatures, seals and errors."""

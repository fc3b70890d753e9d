"""The proofs, in a short form."""

"""Pictures and annotated faces, as arrays."""

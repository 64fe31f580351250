"""Every read of Redis that the console makes. Nothing in here decodes a payload, and no read writes."""

"""What explanations are made of (console/model/why): each file gathers the facts of one kind, in few round trips."""

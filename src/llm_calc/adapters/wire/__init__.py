"""Types of requests and answers, as they go over the wire."""

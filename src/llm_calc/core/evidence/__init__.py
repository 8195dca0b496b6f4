"""Published runs beside an answer: as columns, and how far each is from a question."""

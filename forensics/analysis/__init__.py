"""The questions that playbooks ask, one module each: from a case to statements that cite records."""

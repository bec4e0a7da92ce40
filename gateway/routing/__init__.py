"""Which ERP serves a request: facts, rules, decision, publication."""

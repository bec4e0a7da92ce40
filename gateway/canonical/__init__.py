"""The canonical model: what a business transaction is, whatever channel or ERP speaks it."""

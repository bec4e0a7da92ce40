"""What a document goes through before an ERP sees it: crosswalks, applied as it leaves."""

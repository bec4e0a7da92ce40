"""The legacy ERP: IDocs over HTTP, posted in batch runs, and RFC enquiries over SOAP."""

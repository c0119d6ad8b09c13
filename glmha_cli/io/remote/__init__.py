"""Files in object stores and on servers, by fsspec: named by URLs, fetched and sent whole."""

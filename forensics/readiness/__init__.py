"""Readiness: which logs an account has switched on, what an incident could not be answered today, what to switch on."""

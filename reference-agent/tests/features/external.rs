//! /invoke-external, and the service behind it.

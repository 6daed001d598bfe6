//! /ws, both directions.

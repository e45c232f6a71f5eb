//! A scalar as the text of a cell, both ways.

//! Messages to the terminal.

use std::io::Write;

pub(crate) fn print_line(line: &str) {
    // Closing the terminal must not stop the stack.
    let _ = writeln!(std::io::stdout(), "{line}");
}

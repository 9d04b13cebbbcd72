//! Linker flags that macOS and Windows need for symbols which Node.js brings.

fn main() {
    napi_build::setup();
}

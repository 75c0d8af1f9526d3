/** Reads from an unknown value, and gives `instead` if reading throws, as a getter or a proxy may. */
export function readOr<Value, Instead>(read: () => Value, instead: Instead): Value | Instead {
  try {
    return read();
  } catch {
    return instead;
  }
}

// The items of interop/benches, as an application holds them, and which of their attributes are encrypted.

const user = {
  userId: "user-00000000000000000001",
  email: "someone.with.a.name@example.com",
  name: "Someone With A Longer Name",
  birthday: "1970-01-01",
  address: `1 Long Street, ${"Some Town ".repeat(18)}`,
  created: 1700000000,
  plan: "standard",
  active: true,
};

const signed = [
  () => "a value that is signed but not encrypted",
  () => 1234567.89,
  () => new Set(["red", "green", "blue"]),
];
const encrypted = [
  () => "A sentence of some length that someone wrote about themselves. ".repeat(7),
  () => ({
    street: "1 Long Street",
    town: "Some Town",
    location: [52.520008, 13.404954],
    current: true,
    since: 1700000000,
  }),
  () => ["a first entry", "a second entry", 42, { k: "v" }],
];
const range = (length, name, values) =>
  Object.fromEntries(Array.from({ length }, (_, at) => [name(at + 1), values[at % 3]()]));
const profile = {
  userId: user.userId,
  ...range(9, (at) => `s${at}`, signed),
  ...range(15, (at) => `e${String(at).padStart(2, "0")}`, encrypted),
};

export const ITEMS = {
  user: { item: user, encrypted: ["email", "name", "birthday", "address"] },
  profile: { item: profile, encrypted: Object.keys(profile).filter((name) => name.startsWith("e")) },
};

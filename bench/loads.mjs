// The loads that every server gets, as arguments of `chatbench load`, and what each shows, column by column.
const n = (value, digits) =>
  value === undefined
    ? ""
    : value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });

const throughput = ["deliveries/s", (r) => n(r.deliveries_per_s, 0)];
const median = ["p50 ms", (r) => n(r.latency_ms?.p50, 2)];
const tail = ["p99 ms", (r) => n(r.latency_ms?.p99, 2)];
const delivery = ["CPU µs/delivery", (r) => n(r.cpu_us_per_delivery, 2)];
const percent = (share) => (share === undefined ? "" : `${n(100 * share, 0)} %`);
const server = ["server busy", (r) => percent(r.server_cpu_share)];
const generator = ["generator busy", (r) => percent(r.generator_cpu_share)];
const memory = ["KiB/connection", (r) => n(r.rss_kib_per_connection, 1)];
const connect = ["CPU µs/connect", (r) => n(r.connect_cpu_us, 0)];
const message = ["CPU µs/message", (r) => n(r.cpu_us_per_message, 1)];
const store = ["Redis CPU µs/message", (r) => n(r.store_cpu_us_per_message, 1)];
const appends = ["messages/s", (r) => n(r.sent / r.seconds, 0)];
const room = ["KiB/room", (r) => n(r.rss_kib_per_room, 1)];

// The clients of the loads with rooms come from many addresses: chatd bounds how many rooms one address holds open alone.
const tenThousandRooms = ["-n", "2000", "-s", "2000", "-rooms", "10000", "-members", "5", "-sources", "200"];

export const loads = {
  closed: {
    title: "Closed loop: 500 clients, 10 of them send as fast as 4 messages in flight allow",
    args: ["-n", "500", "-s", "10", "-rate", "0", "-w", "4"],
    columns: [throughput, delivery, median, tail, server, generator],
    floorRate: 0,
  },
  bursts: {
    title: "Bursts: 500 clients, 10 of them send 50 messages/s in all, always at the same moment",
    args: ["-n", "500", "-s", "10", "-rate", "50"],
    columns: [delivery, median, tail, server, generator],
  },
  single: {
    title: "One sender: 500 clients, one of them sends 50 messages/s",
    args: ["-n", "500", "-s", "1", "-rate", "50"],
    columns: [delivery, median, tail, server, generator],
    floorRate: 50,
    syncs: true,
  },
  idle: {
    title: "Idle: 4,000 clients connect and stay",
    args: ["-n", "4000", "-s", "1", "-par", "32", "-d", "0s"],
    columns: [memory, connect],
    idle: true,
  },
  rooms: {
    title: "Rooms: 2,000 clients in 10,000 rooms of 5, 5,000 messages/s in all",
    args: [...tenThousandRooms, "-rate", "5000"],
    columns: [message, store, median, tail, server, generator],
    rooms: true,
  },
  "rooms-closed": {
    title: "Rooms, closed loop: 2,000 clients in 10,000 rooms of 5, each client with one message in flight",
    args: [...tenThousandRooms, "-rate", "0", "-w", "1"],
    columns: [throughput, message, median, tail, server, generator],
    rooms: true,
  },
  "rooms-calm": {
    title: "Rooms: the same with 500 messages/s in all",
    args: [...tenThousandRooms, "-rate", "500"],
    columns: [message, store, median, tail, server, generator],
    rooms: true,
  },
  "room-calm": {
    title: "One room of 5 clients, 500 messages/s",
    args: ["-n", "5", "-s", "5", "-rooms", "1", "-members", "5", "-rate", "500"],
    columns: [message, store, median, tail, server, generator],
    rooms: true,
  },
  "room-closed": {
    title: "One room of 5 clients, each with 50 messages in flight",
    args: ["-n", "5", "-s", "5", "-rooms", "1", "-members", "5", "-rate", "0", "-w", "50"],
    columns: [appends, message, median, tail, server, generator],
    rooms: true,
  },
  "rooms-idle": {
    title: "Silent rooms: 500 clients, each alone in 20 rooms",
    args: ["-n", "500", "-s", "1", "-rooms", "10000", "-members", "1", "-sources", "200", "-d", "0s"],
    columns: [room],
    rooms: true,
    idle: true,
  },
};

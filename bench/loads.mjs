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
  },
  idle: {
    title: "Idle: 4,000 clients connect and stay",
    args: ["-n", "4000", "-s", "1", "-par", "32", "-d", "0s"],
    columns: [memory, connect],
    idle: true,
  },
};

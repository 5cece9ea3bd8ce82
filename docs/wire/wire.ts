// Made from wire.schema.json by `dutchbook hub schema --typescript`.

/** First of all: a token, or a one-use ticket. `format` is that of what we send from then on. restore: subscribe again to what this client saved; from `after`, or from now without it. */
export interface Auth {
  type: "auth";
  token?: string;
  ticket?: string;
  format?: "json" | "msgpack";
  restore?: boolean;
  after?: number | null;
}

/** `after`: everything behind that step; left out: what happens from now on. `after_n`: of that step, too, what came behind its message `after_n`. `save` keeps the subscription for `restore`. `id` comes back in the answer. */
export interface Subscribe {
  type: "subscribe";
  channel: string;
  filters?: Filter;
  after?: number | null;
  after_n?: number;
  save?: boolean;
  id?: string;
}

/** All conditions that are given must hold; of a list, one of its items. Shares and money are decimals ("0.7", or 0.7 as a JSON number); `max_lockup` is seconds. `tickers` name a market with or without its venue. `keywords` are found anywhere in the title, whatever their case. A message that does not tell a figure fails a condition on it. */
export interface Filter {
  min_confidence?: string | number | null;
  min_edge?: string | number | null;
  max_lockup?: number | null;
  kinds?: string[];
  venues?: string[];
  categories?: string[];
  tickers?: string[];
  keywords?: string[];
  and?: Filter[];
  or?: Filter[];
  not?: Filter | null;
}

/** Nothing more of this subscription; also what was saved of it is forgotten. */
export interface Unsubscribe {
  type: "unsubscribe";
  subscription: string;
  id?: string;
}

/** Answered by a pong with the same id. */
export interface Ping {
  type: "ping";
  id?: string;
}

/** Read up to `seq`, and acted on `acted` of it: for the delivery log and the figures. */
export interface Ack {
  type: "ack";
  subscription: string;
  seq: number;
  acted?: number;
}

/** A claim about markets. `body` is what the publisher sent besides, as it came. */
export interface Signal {
  type: "signal";
  subscription?: string;
  prev?: number;
  seq: number;
  n: number;
  at: number;
  publisher: string;
  id: string;
  kind: string;
  confidence: string;
  title?: string;
  markets?: string[];
  venues?: string[];
  categories?: string[];
  edge?: string | null;
  lockup?: number | null;
  probability?: string | null;
  px?: string | null;
  priority?: number;
  expires?: number | null;
  body?: unknown;
  receipt?: Receipt | null;
}

/** `hash`: SHA-256 over the hash before and the message without it; `signature` over `hash`. */
export interface Receipt {
  before: string;
  hash: string;
  signature: string;
}

/** How a signal ended: what YES of its market paid. `brier`: (probability - paid)^2, where it gave a probability. `closing_line`: the last middle price that was seen less the price at which it was said, where both are known. */
export interface Outcome {
  type: "outcome";
  subscription?: string;
  prev?: number;
  seq: number;
  n: number;
  at: number;
  publisher: string;
  id: string;
  signal: number;
  market: string;
  paid: string;
  brier?: string | null;
  closing_line?: string | null;
  receipt?: Receipt | null;
}

/** An opportunity opened, improved or closed; where it closed, `why` and its `best` edge. */
export interface Opportunity {
  type: "opportunity";
  subscription?: string;
  prev?: number;
  seq: number;
  n: number;
  at: number;
  what: "closed" | "improved" | "opened";
  id: string;
  kind: string;
  title?: string;
  legs?: Leg[];
  edge?: string;
  confidence?: string;
  qty?: string;
  capital?: string;
  proved?: string;
  lockup?: number;
  why?: string;
  best?: string;
}

/** Buy `qty` contracts of `outcome`; `px` is the worst price of its fills. */
export interface Leg {
  market: string;
  outcome: string;
  qty: string;
  px: string;
}

/** A fill of our own, or (`void`) that all fills of a trade never happened after all. `id` names the fill at its venue: it is told once, however often the venue says it. */
export interface Fill {
  type: "fill";
  subscription?: string;
  prev?: number;
  seq: number;
  n: number;
  at: number;
  venue: string;
  trade: string;
  id?: string;
  order?: string;
  market?: string;
  outcome?: string;
  action?: string;
  px?: string;
  qty?: string;
  fee?: string | null;
  maker?: boolean;
  void?: boolean;
}

/** What a person should know; the same `key` again is the same matter. */
export interface Alerted {
  type: "alert";
  subscription?: string;
  prev?: number;
  seq: number;
  n: number;
  at: number;
  level: string;
  key: string;
  text: string;
}

/** Best prices of one book in YES terms, null where a side is empty. */
export interface Book {
  type: "book";
  subscription?: string;
  prev?: number;
  seq: number;
  n: number;
  at: number;
  market: string;
  token: string;
  bid: string | null;
  bid_size: string;
  ask: string | null;
  ask_size: string;
}

/** `seq` is the newest step; `server_time` microseconds. `key`: Ed25519, hex, of receipts. */
export interface Welcome {
  type: "welcome";
  client_id: string;
  seq: number;
  server_time: number;
  version?: number;
  key?: string;
}

/** Messages behind `seq` follow. The same channel and filters give the same `subscription`. */
export interface Subscribed {
  type: "subscribed";
  subscription: string;
  channel: string;
  seq: number;
  id?: string;
}

/** The last of a subscription. */
export interface Unsubscribed {
  type: "unsubscribed";
  subscription: string;
  id?: string;
}

/** The answer to a ping. */
export interface Pong {
  type: "pong";
  server_time: number;
  id?: string;
}

/** How things stand at `seq`; changes follow. `items` are messages of the channel. */
export interface Snapshot {
  type: "snapshot";
  subscription: string;
  channel: string;
  seq: number;
  items: unknown[];
}

/** The end of a resume: all up to `seq` was sent; what follows comes as it happens. */
export interface Live {
  type: "live";
  subscription: string;
  seq: number;
}

/** Something was refused; nothing else changed. `seq`: the oldest that `after` could name. */
export interface Error {
  type: "error";
  code: string;
  what: string;
  todo?: string;
  id?: string;
  seq?: number;
}

/** The JSON of POST /signals. Decimals in text or as numbers; `lockup` in seconds; `expires` in microseconds since 1970; `id` left out: the hash of the rest. */
export interface Posted {
  kind: string;
  confidence: string | number;
  id?: string;
  title?: string;
  markets?: string[];
  venues?: string[];
  categories?: string[];
  edge?: string | number | null;
  lockup?: number | null;
  probability?: string | number | null;
  px?: string | number | null;
  priority?: number;
  expires?: number | null;
  body?: unknown;
}

export type Said = Auth | Subscribe | Unsubscribe | Ping | Ack;

export type Heard = Signal | Outcome | Opportunity | Fill | Alerted | Book | Welcome | Subscribed | Unsubscribed | Pong | Snapshot | Live | Error;

export type Frame = Signal | Outcome | Opportunity | Fill | Alerted | Book | Welcome | Subscribed | Unsubscribed | Pong | Snapshot | Live | Error | (Signal | Outcome | Opportunity | Fill | Alerted | Book | Welcome | Subscribed | Unsubscribed | Pong | Snapshot | Live | Error)[];

export type ErrorCode = "bad_message" | "bad_filter" | "bad_token" | "unauthenticated" | "authenticated" | "forbidden" | "unknown_channel" | "too_many" | "not_subscribed" | "gone" | "ahead" | "rate";

export const CLOSES: Record<number, string> = {
  1009: "a message was larger than 64 KiB",
  4000: "this server ends or restarts: connect again and resume",
  4001: "no valid auth in time",
  4003: "the token expired or was revoked: get another one, connect again and resume",
  4008: "too slow: what waited was too much or too old; connect again and resume",
  4009: "too many errors, or too many messages",
  4013: "this server is full",
};

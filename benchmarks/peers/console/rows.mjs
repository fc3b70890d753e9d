// What the page shows, as rows of PostgreSQL: the statements of the handler by hand, and how its figures are written.
import pg from 'pg';

pg.types.setTypeParser(20, Number); // 64-bit integers: all of the page's are below 2^53

export const CAPS = `SELECT level, subject, cap_nanos FROM spend_limits WHERE organization_id = $1 AND ends_at IS NULL`;
export const MEMBERS = `SELECT id, name FROM members WHERE organization_id = $1 ORDER BY id LIMIT $2`;
export const COUNT = `SELECT count(*) AS total FROM members WHERE organization_id = $1`;
export const SEATS = `
  SELECT member_id, tier FROM seat_intervals
  WHERE organization_id = $1 AND member_id = ANY($2) AND ends_at IS NULL`;
export const SPENT = `
  SELECT subject, spent_nanos, held_nanos FROM spend_counters
  WHERE organization_id = $1 AND period_start = $2 AND interval = 'MONTH' AND level = 'MEMBER' AND subject = ANY($3)`;
export const ORGANIZATION = `
  SELECT o.slug, o.name, o.currency, o.time_zone, o.status, l.cap_nanos, c.spent_nanos, c.held_nanos
  FROM organizations o
  LEFT JOIN spend_limits l ON l.organization_id = o.organization_id AND l.level = 'ORGANIZATION' AND l.ends_at IS NULL
  LEFT JOIN spend_counters c ON c.organization_id = o.organization_id AND c.period_start = $2
    AND c.interval = 'MONTH' AND c.level = 'ORGANIZATION' AND c.subject = o.organization_id
  WHERE o.organization_id = $1`;
export const INVOICES = `
  SELECT id, number, status, due_at, total_minor FROM invoices WHERE organization_id = $1 ORDER BY id DESC LIMIT $2`;
export const LINES = `
  SELECT invoice_id, description, amount_minor FROM invoice_lines
  WHERE organization_id = $1 AND invoice_id = ANY($2) ORDER BY invoice_id, position`;

export function pool(url) {
  return new pg.Pool({ connectionString: url, max: 10, min: 10 });
}

export function monthStart(at = new Date()) {
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1) * 1000;
}

export function nanosText(nanos) {
  const whole = Math.trunc(Math.abs(nanos) / 1e9);
  const digits = String(Math.abs(nanos) % 1e9).padStart(9, '0');
  return `${nanos < 0 ? '-' : ''}${whole}.${digits.slice(0, 2)}${digits.slice(2).replace(/0+$/, '')}`;
}

export function minorText(minor) {
  const digits = String(Math.abs(minor)).padStart(3, '0');
  return `${minor < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

export function instantText(microseconds) {
  if (microseconds === null) return null;
  return new Date(microseconds / 1000).toISOString().replace('.000Z', 'Z');
}

const left = (row, cap) =>
  cap == null || row == null ? cap : cap - (row.spent_nanos ?? 0) - (row.held_nanos ?? 0);

// The level that binds a member and what it leaves: their own limit stands instead of their tier's.
export function binding(own, counter, memberCap, tierCap) {
  const [level, cap] = memberCap == null ? ['SEAT_TIER', tierCap] : ['MEMBER', memberCap];
  const here = left(counter, cap);
  const ofAll = left(own, own.cap_nanos);
  if (ofAll != null && (here == null || ofAll < here)) return ['ORGANIZATION', ofAll];
  return here == null ? [null, null] : [level, here];
}

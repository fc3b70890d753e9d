-- What PostGraphile reads its graph off. Figures are answered as they are stored; writing them out is left to nobody.
CREATE SCHEMA console;

CREATE VIEW console.organizations AS
SELECT organization_id AS id, slug, name, currency, time_zone, status FROM public.organizations;
COMMENT ON VIEW console.organizations IS E'@primaryKey id';

CREATE VIEW console.members AS
SELECT m.id, m.organization_id, m.name, s.tier, coalesce(c.spent_nanos, 0) AS spent_nanos,
       least(coalesce(own.cap_nanos, tier.cap_nanos) - coalesce(c.spent_nanos + c.held_nanos, 0),
             whole.cap_nanos - coalesce(a.spent_nanos + a.held_nanos, 0)) AS remaining_nanos,
       CASE WHEN whole.cap_nanos - coalesce(a.spent_nanos + a.held_nanos, 0)
                 < coalesce(own.cap_nanos, tier.cap_nanos) - coalesce(c.spent_nanos + c.held_nanos, 0)
                 OR coalesce(own.cap_nanos, tier.cap_nanos) IS NULL AND whole.cap_nanos IS NOT NULL THEN 'ORGANIZATION'
            WHEN own.cap_nanos IS NOT NULL THEN 'MEMBER'
            WHEN tier.cap_nanos IS NOT NULL THEN 'SEAT_TIER' END AS binding_level
FROM public.members m
LEFT JOIN public.seat_intervals s
    ON s.organization_id = m.organization_id AND s.member_id = m.id AND s.ends_at IS NULL
LEFT JOIN public.spend_limits own ON own.organization_id = m.organization_id AND own.level = 'MEMBER'
    AND own.subject = m.id AND own.ends_at IS NULL
LEFT JOIN public.spend_limits tier ON tier.organization_id = m.organization_id AND tier.level = 'SEAT_TIER'
    AND tier.subject = s.tier AND tier.ends_at IS NULL
LEFT JOIN public.spend_limits whole ON whole.organization_id = m.organization_id AND whole.level = 'ORGANIZATION'
    AND whole.ends_at IS NULL
LEFT JOIN public.spend_counters c ON c.organization_id = m.organization_id AND c.period_start = {month}
    AND c.interval = 'MONTH' AND c.level = 'MEMBER' AND c.subject = m.id
LEFT JOIN public.spend_counters a ON a.organization_id = m.organization_id AND a.period_start = {month}
    AND a.interval = 'MONTH' AND a.level = 'ORGANIZATION' AND a.subject = m.organization_id;
COMMENT ON VIEW console.members IS
    E'@primaryKey id\n@foreignKey (organization_id) references console.organizations (id)|@foreignFieldName members';

CREATE VIEW console.invoices AS
SELECT id, organization_id, number, status, due_at, total_minor FROM public.invoices;
COMMENT ON VIEW console.invoices IS
    E'@primaryKey id\n@foreignKey (organization_id) references console.organizations (id)|@foreignFieldName invoices';

CREATE VIEW console.invoice_lines AS
SELECT id, organization_id, invoice_id, position, description, amount_minor FROM public.invoice_lines;
COMMENT ON VIEW console.invoice_lines IS
    E'@primaryKey id\n@foreignKey (invoice_id) references console.invoices (id)|@foreignFieldName lines';

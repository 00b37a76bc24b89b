-- The two shapes that consumers of the former system read. Views, so that nothing is stored twice.

-- ENTSO-E: mean power generated, in MW, at the start of each interval (UTC).
--   area_code        the unit's `entsoe_area_code` attribute, else its `area` attribute (the control area that a
--                    generation unit is asked under), else its code (which is the area where whole areas are units)
--   production_type  the series' `production-type` label, else the unit's attribute of that name
-- Generation only: consumption is another series, and the two are never added. (timestamp, area_code,
-- production_type) was the old key; here several units of one area give several rows, as they must.
CREATE VIEW entsoe_generation_data AS
SELECT m.start AS timestamp,
       COALESCE(u.attributes ->> 'entsoe_area_code', u.attributes ->> 'area', u.code) AS area_code,
       COALESCE(s.labels ->> 'production-type', u.attributes ->> 'production-type') AS production_type,
       m.value AS value,
       'MW' AS unit
FROM measurements m
JOIN series s ON s.id = m.series_id
JOIN generation_units u ON u.id = s.generation_unit_id
WHERE s.source = 'entsoe' AND s.kind = 'generation' AND s.quantity = 'mean-power';

-- Elexon: the physical notification (PN), one row a segment: the level at its start and at its end, in MW.
-- It joins the two series `notified-level-from` and `notified-level-to`, which share their segments.
--   settlement_date, settlement_period  of the segment's start, by Europe/London's calendar: periods count half
--   hours from local midnight, so that a day has 48 of them, 46 when clocks go forward and 50 when they go back.
CREATE VIEW elexon_generation_data AS
SELECT f.start AS timestamp,
       u.code AS bm_unit,
       u.id AS generation_unit_id,
       f.value AS level_from,
       t.value AS level_to,
       (f.start AT TIME ZONE 'Europe/London')::date AS settlement_date,
       floor(extract(epoch FROM f.start
                     - (f.start AT TIME ZONE 'Europe/London')::date::timestamp AT TIME ZONE 'Europe/London') / 1800)::bigint
           + 1 AS settlement_period
FROM series sf
JOIN series st ON st.generation_unit_id = sf.generation_unit_id AND st.source = sf.source
              AND st.kind = 'notified-level-to' AND st.quantity = sf.quantity AND st.labels = sf.labels
JOIN generation_units u ON u.id = sf.generation_unit_id
JOIN measurements f ON f.series_id = sf.id
JOIN measurements t ON t.series_id = st.id AND t.start = f.start
WHERE sf.source = 'elexon' AND sf.kind = 'notified-level-from';

-- Sources that a schedule had to go without when it last fired, each with since when: `{"entsoe": "2024-05-01T00:00:00Z"}`.
-- What they owe since then is made up for by the first firing that has them again.
ALTER TABLE schedules ADD COLUMN left_out JSONB NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(left_out) = 'object');

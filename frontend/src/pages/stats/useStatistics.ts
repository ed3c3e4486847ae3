/** The statistics of a view and a filter, and those of as many buckets before. */

import { watch } from "vue";
import { getStatistics, type Statistics } from "../../api/stats";
import { useFetched, useFetchedFor } from "../../api/useFetched";
import { bucketsBefore } from "./buckets";
import { requestParams, type View } from "./view";

type Params = Readonly<Record<string, string>>;

/** Fetches again when the view or the filter changes. */
export function useStatistics(view: () => View, filter: () => Params = () => ({})) {
  const parameters = (): Params => ({ ...requestParams(view(), Date.now()), ...filter() });
  const current = useFetched(() => getStatistics(parameters()));
  const earlier = useFetchedFor(
    () => (view().compare ? current.value.value : null),
    async (stats) => {
      const params = earlierParams(stats);
      return params === null ? null : getStatistics({ ...parameters(), ...params });
    },
  );
  // What only changes the display needs no request.
  watch(
    () => JSON.stringify([{ ...view(), only: null, tab: null, compare: null }, filter()]),
    () => void current.refresh(),
  );
  return {
    ...current,
    /** Null while it is not known for the present numbers; the chart then shows no comparison. */
    earlier: earlier.value,
    parameters,
  };
}

function earlierParams({ buckets, step, zone }: Statistics): Params | null {
  const first = Date.parse(buckets[0]?.at ?? "");
  if (Number.isNaN(first)) return null;
  const from = bucketsBefore(first, step, zone, buckets.length);
  return { from: new Date(from).toISOString(), to: new Date(first).toISOString(), step };
}

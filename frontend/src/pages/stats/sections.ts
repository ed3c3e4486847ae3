/** The tables of the audience, which the list of sections leads to. */

import { texts } from "./texts";

export interface Section {
  /** The id of the element. */
  readonly id: string;
  readonly name: string;
}

export function audienceSections(hasLinks: boolean, hasOpens: boolean): readonly Section[] {
  return [
    ...(hasLinks ? [{ id: "links", name: texts.clickedLinks }] : []),
    ...(hasOpens
      ? [
          { id: "hours", name: texts.hoursOfTheDay },
          { id: "clients", name: texts.mailPrograms },
          { id: "devices", name: texts.devices },
          { id: "countries", name: texts.countries },
        ]
      : []),
  ];
}

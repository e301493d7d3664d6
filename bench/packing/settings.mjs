export async function compareSettings() {}
